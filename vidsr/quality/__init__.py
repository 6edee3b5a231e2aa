"""Quality of pictures and videos: PSNR, SSIM, NIQE and flicker, and sheets to look at."""
