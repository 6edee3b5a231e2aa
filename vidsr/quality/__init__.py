"""How good a picture is: PSNR as the super-resolution literature measures it."""
